import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pictureOf } from "../diagram/picture";
import { svg } from "../diagram/svg";
import { DEFAULT_LAB } from "../lab/default-lab";
import { readLab } from "../lab/read";

/** The picture docs/diagram.svg: what the default lab builds. @throws Error when that lab has an error */
export function diagramPicture(): string {
  const { lab, problems } = readLab(join(__dirname, "..", DEFAULT_LAB));
  if (!lab) throw new Error(`${DEFAULT_LAB} has ${problems.length} problems; npm run check shows them.`);
  return svg(pictureOf(lab));
}

if (require.main === module) writeFileSync(join(__dirname, "../docs/diagram.svg"), diagramPicture());
