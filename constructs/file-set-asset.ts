import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { TerraformStack } from "cdktf";
// The public TerraformAsset copies a whole folder, whatever is in it. This is the hook that TerraformAsset itself uses.
import { addCustomSynthesis } from "cdktf/lib/synthesize/synthesizer";
import { Construct } from "constructs";

export interface FileSetAssetProps {
  /** Absolute path of the folder with the files. */
  readonly folder: string;
  /** The files to copy, relative to the folder. Other files in it are not copied. */
  readonly files: readonly string[];
  /** Hash over names and contents. It is in the path of the copy, so another content has another path. */
  readonly hash: string;
}

/** Named files of a folder, copied beside the stack as a folder of their own. */
export class FileSetAsset extends Construct {
  /** The copy, relative to the stack's folder, where Terraform runs. */
  readonly path: string;

  constructor(scope: Construct, id: string, { folder, files, hash }: FileSetAssetProps) {
    super(scope, id);
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
