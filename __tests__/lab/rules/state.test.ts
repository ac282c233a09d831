import { baseLab } from "../../../testing/lab";
import { refused } from "./rejected";

refused(baseLab, [
  {
    fact: "one state for all stacks",
    lab: { state: { type: "s3", settings: { bucket: "states", key: "lab.tfstate" } } },
    code: "state-shared",
    path: "state.settings",
    names: ["s3", "{stack}"],
  },
  {
    fact: "a credential among the settings of the state",
    lab: { state: { type: "s3", settings: { bucket: "states", key: "{stack}", secret_key: "hunter2" } } },
    code: "credential-in-state-settings",
    path: "state.settings.secret_key",
    names: ["secret_key"],
  },
  {
    fact: "a password in a URL among the settings of the state",
    lab: { state: { type: "http", settings: { address: "https://me:hunter2@states.lab.example/{stack}" } } },
    code: "credential-in-state-settings",
    path: "state.settings.address",
    names: ["address"],
  },
]);
