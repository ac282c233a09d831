import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { TerraformStack } from "cdktf";
// The public TerraformAsset copies a folder with everything that lies in it; this is the hook that it uses itself.
import { addCustomSynthesis } from "cdktf/lib/synthesize/synthesizer";
import { Construct } from "constructs";

export interface FileSetAssetProps {
  /** The folder that the files lie in. Absolute. */
  readonly folder: string;
  /** The files to copy, relative to the folder. What else lies in it stays where it is. */
  readonly files: readonly string[];
  /** Hash over names and contents. The copy's path has it, so another content has another path. */
  readonly hash: string;
}

/** Named files of a folder, copied beside the stack as a folder of their own. */
export class FileSetAsset extends Construct {
  /** The copy, relative to the stack's folder, where Terraform runs. */
  readonly path: string;

  constructor(stack: TerraformStack, id: string, { folder, files, hash }: FileSetAssetProps) {
    super(stack, id);
    this.path = posix.join("assets", id, hash);
    addCustomSynthesis(this, {
      onSynthesize: ({ manifest }) => {
        const { synthesizedStackPath } = manifest.forStack(TerraformStack.of(this));
        const target = join(manifest.outdir, dirname(synthesizedStackPath), this.path);
        for (const file of files) {
          mkdirSync(dirname(join(target, file)), { recursive: true });
          copyFileSync(join(folder, file), join(target, file));
        }
      },
    });
  }
}
