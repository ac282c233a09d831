import { AssetType, TerraformAsset } from "cdktf";
import type { IConstruct } from "constructs";
import { sharedIn } from "../shared";
import { K3S_TEMPLATES } from "./paths";

const ID = "k3s";

/** The scripts of templates/k3s, copied once into the stack's folder, where Terraform runs. */
export class K3sScripts {
  private constructor(private readonly asset: TerraformAsset) {}

  /** The scripts of the stack that a construct is in. */
  static of(scope: IConstruct): K3sScripts {
    const shared = sharedIn(scope);
    const known = shared.node.tryFindChild(ID);
    if (known instanceof TerraformAsset) return new K3sScripts(known);
    return new K3sScripts(new TerraformAsset(shared, ID, { path: K3S_TEMPLATES, type: AssetType.DIRECTORY }));
  }

  /** Path of a script, from the stack's folder. */
  path(script: string): string {
    return `${this.asset.path}/${script}`;
  }
}
