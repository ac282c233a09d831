import type { Path } from "../problem";
import { error, rule } from "./rule";

/** Settings of Terraform's backends that are credentials, and the environment variable each reads instead. */
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

/** Every text in the settings, with the path that leads to it. */
function* texts(value: unknown, path: Path): Iterable<{ path: Path; key: string; text: string }> {
  if (typeof value === "string") yield { path, key: String(path.at(-1)), text: value };
  else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) yield* texts(item, [...path, Array.isArray(value) ? Number(key) : key]);
  }
}

/** Two stacks in one state destroy each other's resources, so {stack} must make the difference. */
export const oneStateEach = rule(["state"], function* ({ state }) {
  const settings = [...texts(state.settings, ["state", "settings"])];
  if (state.type === "local" && Object.keys(state.settings).length === 0) return;
  if (settings.some(({ text }) => text.includes("{stack}"))) return;
  yield error(
    "state-shared",
    ["state", "settings"],
    `no setting of the ${state.type} backend has {stack} in it, so all stacks would share one state and destroy each other's resources`,
    'Put it where the backend names the state, such as key: "{lab}/{stack}.tfstate".',
  );
});

/** What stands in the lab stands in the output; a credential must come from the environment. */
export const noCredentials = rule(["state"], function* ({ state }) {
  const variables = CREDENTIALS[state.type] ?? {};
  for (const { path, key, text } of texts(state.settings, ["state", "settings"])) {
    const variable = Object.hasOwn(variables, key) ? variables[key] : undefined;
    if (variable) {
      yield error(
        "credential-in-state-settings",
        path,
        `${key} is a credential, and every setting is written to the output`,
        `Take it out, and export ${variable} where Terraform runs.`,
      );
    } else if (/^[a-z]+:\/\/[^/@\s]*:[^/@\s]*@/.test(text)) {
      yield error(
        "credential-in-state-settings",
        path,
        `the URL in ${key} carries a password, and every setting is written to the output`,
        `Take it out of the URL, and give it by the environment, as the ${state.type} backend documents.`,
      );
    }
  }
});
