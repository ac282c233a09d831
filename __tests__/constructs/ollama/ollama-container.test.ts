import { OllamaContainer, type OllamaContainerProps } from "../../../constructs/ollama/ollama-container";
import { guestProps } from "../../../testing/guest-props";
import { testRejectedProps } from "../../../testing/rejected-props";

const props: OllamaContainerProps = { ...guestProps, template: "local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst" };

testRejectedProps<OllamaContainerProps>(props, (stack, changed) => new OllamaContainer(stack, "ollama", changed), [
  ["clients that are no network", { clients: ["192.0.2.9"] }, "clients: invalid-network"],
  ["port 0 for the API", { apiPort: 0 }, "apiPort: out-of-range"],
  ["a management network with host bits", { management: ["192.0.2.9/24"] }, "management: network-host-bits"],
]);
