import { finder } from "../finding";
import { type Path, STACK_IDS } from "../problem";
import { rule } from "./rule";

const kinds = {
  "state-shared": {
    severity: "error",
    stacks: STACK_IDS,
    meaning: "All stacks would write one Terraform state, and each would destroy the resources of the others.",
    example: `
      state:
        type: s3
        settings: { bucket: states, key: lab.tfstate }
    `,
    remedy: 'Put {stack} where the backend names the state, such as key: "{lab}/{stack}.tfstate".',
  },
  "credential-in-state-settings": {
    severity: "error",
    stacks: STACK_IDS,
    meaning: "A credential is among the settings of the backend, but every setting is written to the output.",
    example: `
      state:
        type: s3
        settings: { bucket: states, key: "{stack}", secret_key: not-a-real-key }
    `,
    remedy: "Take it out, and export the variable that the backend reads where Terraform runs.",
  },
} as const;
const found = finder(kinds);

const ANEW = " Make a new one in its place, because this one may be in git.";

/** The settings of Terraform's backends that are credentials, and the environment variable that the backend reads instead. */
const CREDENTIALS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  azurerm: {
    access_key: "ARM_ACCESS_KEY",
    client_certificate_password: "ARM_CLIENT_CERTIFICATE_PASSWORD",
    client_secret: "ARM_CLIENT_SECRET",
    oidc_request_token: "ARM_OIDC_REQUEST_TOKEN",
    oidc_token: "ARM_OIDC_TOKEN",
    sas_token: "ARM_SAS_TOKEN",
  },
  consul: { access_token: "CONSUL_HTTP_TOKEN", http_auth: "CONSUL_HTTP_AUTH" },
  cos: {
    secret_id: "TENCENTCLOUD_SECRET_ID",
    secret_key: "TENCENTCLOUD_SECRET_KEY",
    security_token: "TENCENTCLOUD_SECURITY_TOKEN",
  },
  gcs: {
    access_token: "GOOGLE_OAUTH_ACCESS_TOKEN",
    credentials: "GOOGLE_BACKEND_CREDENTIALS",
    encryption_key: "GOOGLE_ENCRYPTION_KEY",
  },
  http: { client_private_key_pem: "TF_HTTP_CLIENT_PRIVATE_KEY_PEM", password: "TF_HTTP_PASSWORD" },
  kubernetes: { client_key: "KUBE_CLIENT_KEY_DATA", password: "KUBE_PASSWORD", token: "KUBE_TOKEN" },
  oss: { access_key: "ALICLOUD_ACCESS_KEY", secret_key: "ALICLOUD_SECRET_KEY", security_token: "ALICLOUD_SECURITY_TOKEN" },
  pg: { conn_str: "PG_CONN_STR" },
  remote: { token: "TF_TOKEN_app_terraform_io" },
  s3: {
    access_key: "AWS_ACCESS_KEY_ID",
    secret_key: "AWS_SECRET_ACCESS_KEY",
    sse_customer_key: "AWS_SSE_CUSTOMER_KEY",
    token: "AWS_SESSION_TOKEN",
  },
};

/** Every text in the settings, and its path. */
function* texts(value: unknown, path: Path): Iterable<{ path: Path; key: string; text: string }> {
  if (typeof value === "string") yield { path, key: String(path.at(-1)), text: value };
  else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) yield* texts(item, [...path, Array.isArray(value) ? Number(key) : key]);
  }
}

/** Two stacks in one state destroy each other's resources, so a setting must contain {stack}. */
const oneStateEach = rule(["state"], function* ({ state }) {
  const settings = [...texts(state.settings, ["state", "settings"])];
  if (state.type === "local" && Object.keys(state.settings).length === 0) return;
  if (settings.some(({ text }) => text.includes("{stack}"))) return;
  yield found(
    "state-shared",
    ["state", "settings"],
    `no setting of the ${state.type} backend has {stack} in it, so all stacks would share one state and destroy each other's resources`,
  );
});

/** Everything in the lab is written to the output, so a credential must come from the environment. */
const noCredentials = rule(["state"], function* ({ state }) {
  const variables = CREDENTIALS[state.type] ?? {};
  for (const { path, key, text } of texts(state.settings, ["state", "settings"])) {
    const variable = Object.hasOwn(variables, key) ? variables[key] : undefined;
    if (variable) {
      yield found("credential-in-state-settings", path, `${key} is a credential, but every setting is written to the output`, {
        remedy: `Take it out, and export ${variable} where Terraform runs.${ANEW}`,
      });
    } else if (/^[a-z]+:\/\/[^/@\s]*:[^/@\s]*@/.test(text)) {
      yield found(
        "credential-in-state-settings",
        path,
        `the URL in ${key} has a password in it, but every setting is written to the output`,
        { remedy: `Take it out of the URL, and export it as the ${state.type} backend documents.${ANEW}` },
      );
    }
  }
});

export const state = { title: "Terraform's state", kinds, rules: [oneStateEach, noCredentials] };
