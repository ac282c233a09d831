import { nvidiaDevices } from "../../../constructs/ollama/gpu-devices";

test("every account of a container may use the cards, as NVIDIA's driver has it on the node", () => {
  expect(nvidiaDevices({ indexes: [0] }).map(({ mode }) => mode)).toEqual(["0666", "0666", "0666", "0666"]);
});
test("the cards are in the order of their numbers, whatever the order of the lab", () => {
  expect(nvidiaDevices({ indexes: [1, 0] }).map(({ path }) => path)).toEqual([
    "/dev/nvidia0",
    "/dev/nvidia1",
    "/dev/nvidiactl",
    "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools",
  ]);
});
