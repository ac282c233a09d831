import { type Check, quote } from "../grammar/fault";

/** Refuses what Terraform does not take for the name of a resource. */
export const checkResourceName: Check<string> = (name) =>
  /^[a-z_][a-z0-9_-]*$/i.test(name)
    ? undefined
    : {
        code: "invalid-resource-name",
        message: `${quote(name)} is not a name that Terraform takes`,
        remedy: "Begin with a letter or _, and go on with letters, digits, _ and -.",
      };

/**
 * Text that Terraform must leave as it is. Terraform reads strings as templates: it would interpolate an unescaped `${` or `%{` in a
 * description, a script or a manifest. Nothing else in this project escapes.
 */
export function verbatim(text: string): string {
  // Functions, because in a replacement text "$$" means one dollar.
  return text.replaceAll("${", () => "$${").replaceAll("%{", () => "%%{");
}

/**
 * A name that Terraform takes, made from names of Proxmox or Kubernetes. They are joined by `_`, other characters become `-`, and a name that
 * does not begin with a letter gets a `_` before it.
 */
export function terraformName(...parts: readonly string[]): string {
  const name = parts.join("_").replace(/[^A-Za-z0-9_-]/g, "-");
  return /^[A-Za-z_]/.test(name) ? name : `_${name}`;
}
