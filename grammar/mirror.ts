import { type Fault, type FaultCode, formed, matching, quote, type TextCheck } from "./fault";
import { checkFilePath } from "./file-path";
import { checkOciUrl } from "./helm-chart";
import { checkHttpUrl } from "./url";

/** Refuses a URL that is not https: anyone on the way can change what comes over plain http. */
export const checkHttpsUrl: TextCheck = formed(
  { pattern: /^https:/, example: "https://mirror.lab.example/files" },
  (text): Fault<FaultCode> | undefined => {
    const fault = checkHttpUrl(text);
    if (fault) return fault;
    return text.startsWith("https:")
      ? undefined
      : {
          code: "not-https",
          message: `${quote(text)} is not https, but anyone on the way can change what comes over http`,
          remedy: "Serve it over https.",
        };
  },
);

/** Refuses what is not the host of a registry of container images, such as `docker.io`. */
export const checkRegistry: TextCheck = matching(
  { pattern: /^[a-z0-9][a-z0-9.-]*\.[a-z0-9-]+(:\d{1,5})?$/, example: "docker.io" },
  "invalid-registry",
  "the host of a registry",
  "Write the host alone, such as docker.io or registry.lab.example:5000.",
);

/** Refuses what is not a host, with or without a port. */
export const checkHost: TextCheck = matching(
  { pattern: /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/, example: "mirror.lab.example" },
  "invalid-host",
  "a host",
  "Write the host alone, such as mirror.lab.example.",
);

/** Refuses what is neither an OCI registry nor a repository nor a folder. */
export const checkMirrorOfCharts: TextCheck = formed({ example: "oci://registry.lab.example/charts" }, (text) => {
  if (text.startsWith("oci:")) return checkOciUrl(text);
  return /^[a-z]+:/.test(text) ? checkHttpsUrl(text) : checkFilePath(text);
});
