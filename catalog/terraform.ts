/** The Terraform that the bindings and the providers work with. OpenTofu counts its versions from 1.6 as well (docs/pipelines.md). */
export const TERRAFORM_VERSIONS = ">= 1.6.0";

/** Pages that say how Terraform and OpenTofu are installed. */
export const TERRAFORM_INSTALL = "https://developer.hashicorp.com/terraform/install";
export const OPENTOFU_INSTALL = "https://opentofu.org/docs/intro/install";

/** The oldest Node that cdktn-cli installs on (its package.json, `engines`). */
export const OLDEST_NODE_OF_CDKTN = "22.19.0";
