/**
 * The first Terraform that can forget a resource without destroying it, by a `removed` block. OpenTofu can from 1.10 on; an older one refuses
 * the block in the plan (docs/pipelines.md).
 */
export const OLDEST_TERRAFORM = "1.7.0";
export const OLDEST_OPENTOFU = "1.10.0";

/** What stacks say of it. */
export const TERRAFORM_VERSIONS = `>= ${OLDEST_TERRAFORM}`;

/** Pages that say how Terraform and OpenTofu are installed. */
export const TERRAFORM_INSTALL = "https://developer.hashicorp.com/terraform/install";
export const OPENTOFU_INSTALL = "https://opentofu.org/docs/intro/install";

/** The oldest Node that cdktn-cli installs on (its package.json, `engines`). */
export const OLDEST_NODE_OF_CDKTN = "22.19.0";
