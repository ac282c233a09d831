import { type Fault, type FaultCode, formed, quote, type TextCheck, type ValueCheck } from "./fault";

const NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** The labels of kubernetes.io that a kubelet may give to its own node. With any other K3s does not start. */
const OWN_LABELS =
  /^(([a-z0-9-]+\.)*(kubelet|node)\.kubernetes\.io\/.*|topology\.kubernetes\.io\/(zone|region)|kubernetes\.io\/(arch|hostname|os))$/;

/** Says what is wrong with a qualified name, `[prefix/]name`. */
function checkQualifiedName(key: string): string | undefined {
  const [name = "", prefix, ...rest] = key.split("/").reverse();
  if (rest.length > 0 || !NAME.test(name) || (prefix !== undefined && !PREFIX.test(prefix)))
    return `${quote(key)} is not a Kubernetes key`;
  return undefined;
}

/** Refuses what Kubernetes does not take as the value of a label. */
export const checkLabelValue: ValueCheck<string> = (text) =>
  text === "" || NAME.test(text)
    ? undefined
    : {
        code: "invalid-label",
        message: `${quote(text)} is not the value of a label`,
        remedy: "Use at most 63 letters, digits and - _ . and begin and end with a letter or a digit.",
      };

/** Refuses a label `key=value` that Kubernetes does not take, or with which K3s does not start. */
export const checkNodeLabel: ValueCheck<string> = (text): Fault<FaultCode> | undefined => {
  const [key = "", value = "", ...rest] = text.split("=");
  const remedy = "Write a key such as example.com/disk and a value of at most 63 letters, digits and - _ .";
  const wrong = checkQualifiedName(key);
  if (wrong || rest.length > 0 || (value !== "" && !NAME.test(value))) {
    return { code: "invalid-label", message: wrong ?? `${quote(value)} is not the value of a label`, remedy };
  }
  const domain = key.includes("/") ? (key.split("/")[0] ?? "") : "";
  if (/(^|\.)(kubernetes|k8s)\.io$/.test(domain) && !OWN_LABELS.test(key)) {
    return {
      code: "reserved-label",
      message: `K3s does not start with the label ${key}, because Kubernetes keeps the labels of ${domain} from nodes`,
      remedy: "Use a prefix of your own, or set it with `kubectl label` after the node has joined.",
    };
  }
  return undefined;
};

/** Refuses what is not a taint: `key=value:Effect` or `key:Effect`. */
export const checkNodeTaint: TextCheck = formed(
  { pattern: /^[^:]+:(NoSchedule|PreferNoSchedule|NoExecute)/, example: "gpu=true:NoSchedule" },
  (text) => {
    const [pair = "", effect = ""] = text.split(":");
    const [key = "", value = ""] = pair.split("=");
    const valid =
      !checkQualifiedName(key) &&
      (value === "" || NAME.test(value)) &&
      ["NoSchedule", "PreferNoSchedule", "NoExecute"].includes(effect);
    return valid
      ? undefined
      : {
          code: "invalid-taint",
          message: `${quote(text)} is not a taint`,
          remedy:
            "Write key=value:Effect with NoSchedule, PreferNoSchedule or NoExecute, such as nvidia.com/gpu=present:NoSchedule.",
        };
  },
);

/** Refuses `key=value` that a pod cannot select nodes by. It may select labels that no node may give itself. */
export const checkSelectedLabel: ValueCheck<string> = (text) => {
  const fault = checkNodeLabel(text);
  return fault?.code === "reserved-label" ? undefined : fault;
};
