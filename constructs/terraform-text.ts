/**
 * Text that Terraform must take as it stands. Strings go to Terraform as templates: an unescaped `${` or `%{` in a description, a
 * script or a manifest would be interpolated. This is the one place that escapes.
 */
export function verbatim(text: string): string {
  // Functions, because in a replacement text "$$" means one dollar.
  return text.replaceAll("${", () => "$${").replaceAll("%{", () => "%%{");
}
