import { type Fault, type FaultCode, formed, quote, type TextCheck } from "./fault";

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** Refuses what is not an http or https URL, and a URL with a user name or a password, which would be written to the output. */
export const checkHttpUrl: TextCheck = formed(
  { pattern: /^[Hh][Tt]{2}[Pp][Ss]?:/, example: "https://mirror.lab.example/files" },
  (text): Fault<FaultCode> | undefined => {
    const url = parse(text);
    if (!url || !/^https?:$/.test(url.protocol) || /[\s\p{Cc}]/u.test(text)) {
      return {
        code: "invalid-url",
        message: `${quote(text)} is not an http or https URL`,
        remedy: "Write the whole URL, with https:// before it.",
      };
    }
    const template = /[$%]\{/.exec(text);
    if (template) {
      return {
        code: "invalid-url",
        message: `${quote(text)} has ${template[0]} in it, which Terraform would replace by a value of its own`,
        remedy: "Write the URL out: nothing is filled in here.",
      };
    }
    if (url.username || url.password) {
      return {
        code: "credential-in-url",
        message: `the URL of ${url.host} has a credential in it, but it would be written to the output`,
        remedy: "Take it out, and use a mirror that needs none. Make a new one in its place, because this one may be in git.",
      };
    }
    return undefined;
  },
);

/** Refuses an endpoint of Proxmox that is not https, or that has a path. The provider adds the path of the API. */
export const checkEndpoint: TextCheck = formed(
  { pattern: /^[Hh][Tt]{2}[Pp][Ss]:/, example: "https://pve1.lab.example:8006/" },
  (text): Fault<FaultCode> | undefined => {
    const fault = checkHttpUrl(text);
    if (fault) return fault;
    const url = new URL(text);
    if (url.protocol !== "https:") {
      return {
        code: "endpoint-not-https",
        message: `the endpoint ${quote(text)} is not https, but Proxmox serves its API over TLS only`,
        remedy: `Write https://${url.host}/; for a self-signed certificate set proxmox.insecure: true as well.`,
      };
    }
    if (url.pathname !== "/" || url.search || url.hash) {
      return {
        code: "endpoint-path",
        message: `the endpoint ${quote(text)} has a path, but the provider adds the path of the API itself`,
        remedy: `Write https://${url.host}/.`,
      };
    }
    return undefined;
  },
);
