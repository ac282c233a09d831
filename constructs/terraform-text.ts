/**
 * Text that Terraform must take as it stands. Strings go to Terraform as templates: an unescaped `${` or `%{` in a description, a
 * script or a manifest would be interpolated. This is the one place that escapes.
 */
export function verbatim(text: string): string {
  return text.replaceAll("${", "$${").replaceAll("%{", "%%{");
}

/** The same for every text inside a value, keys of maps included. */
export function verbatimIn<T>(value: T): T {
  if (typeof value === "string") return verbatim(value) as T;
  if (Array.isArray(value)) return value.map((item) => verbatimIn(item)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [verbatim(key), verbatimIn(item)])) as T;
}
