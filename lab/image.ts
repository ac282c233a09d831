/**
 * The file name an image gets on the datastore: the one given, or the last part of the URL, with the date of its folder (`20260814` or
 * `release-20260814`) and the ending that Proxmox imports. Ubuntu's `.img` files are qcow2 by their content.
 */
export function imageFileName({ url, fileName }: { readonly url: string; readonly fileName?: string | undefined }): string {
  if (fileName) return fileName;
  const parts = decodeURIComponent(new URL(url).pathname).split("/");
  const name = parts.at(-1) ?? "";
  const date = parts.map((part) => /^(?:release-)?(20\d{6}(?:\.\d+)?)$/.exec(part)?.[1]).find(Boolean);
  const renamed = name.replace(/\.img$/, ".qcow2");
  return date && !renamed.includes(date) ? renamed.replace(/\.(qcow2|raw|vmdk)$/, `-${date}.$1`) : renamed;
}

/** The file name a template gets on the datastore: the one given, or the last part of the URL. */
export function templateFileName({ url, fileName }: { readonly url: string; readonly fileName?: string | undefined }): string {
  return fileName ?? decodeURIComponent(new URL(url).pathname.split("/").pop() ?? "");
}
