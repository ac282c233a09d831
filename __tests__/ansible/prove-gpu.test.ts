// The service of a container with a GPU runs this script before it starts.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { killLeftovers, projectRoot, run as runScript } from "../templates/ollama/run";
import { Workbench } from "./roles/playbook";

describe("prove-gpu.sh", () => {
  const bench = new Workbench();
  let count = 0;
  /** Runs it over device nodes that are files, with commands that answer. */
  const prove = (kind: string, nodes: readonly string[], commands: Record<string, string> = {}, mode = 0o660) => {
    count += 1;
    const folder = join(bench.folder, String(count));
    for (const made of ["dev/dri", "bin"]) mkdirSync(join(folder, made), { recursive: true });
    for (const node of nodes) {
      writeFileSync(join(folder, "dev", node), "");
      chmodSync(join(folder, "dev", node), mode);
    }
    for (const [command, text] of Object.entries(commands))
      writeFileSync(join(folder, "bin", command), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    const env = { PATH: [join(folder, "bin"), process.env["PATH"]].join(delimiter) };
    return runScript("sh", join(projectRoot, "ansible/roles/gpu_setup/files/prove-gpu.sh"), [kind, join(folder, "dev")], env);
  };
  const nvidia = ["nvidia0", "nvidiactl", "nvidia-uvm"];
  const vulkan = (type: string) => ({
    vulkaninfo: `echo "deviceType = PHYSICAL_DEVICE_TYPE_${type}"; echo "deviceName = Some card"`,
  });
  afterAll(() => {
    killLeftovers();
    bench.remove();
  });

  test.each<[string, string, string[], Record<string, string>]>([
    ["an NVIDIA card", "nvidia", nvidia, { "nvidia-smi": 'echo "GPU 0: RTX"' }],
    ["an Intel card", "intel", ["dri/renderD128"], vulkan("DISCRETE_GPU")],
    ["an integrated Intel GPU", "intel", ["dri/renderD128"], vulkan("INTEGRATED_GPU")],
    ["an AMD card", "amd", ["kfd", "dri/renderD129"], {}],
  ])("accepts %s", async (_, kind, nodes, commands) => {
    expect(await prove(kind, nodes, commands)).toMatchObject({ code: 0, text: "" });
  });

  test.each<[string, string, string[], Record<string, string>, string]>([
    ["unified memory that is not passed", "nvidia", ["nvidia0", "nvidiactl"], {}, "/nvidia-uvm. The Proxmox node lacks it"],
    ["a driver that sees no card", "nvidia", nvidia, { "nvidia-smi": "echo No devices were found" }, "No devices were found"],
    ["a driver that fails", "nvidia", nvidia, { "nvidia-smi": "echo mismatch >&2; exit 18" }, "mismatch"],
    ["Mesa's software renderer", "intel", ["dri/renderD128"], vulkan("CPU"), "Vulkan sees no GPU: Some card"],
    ["no render node", "intel", ["dri/card0"], {}, "renderD*. The Proxmox node lacks it"],
    ["no compute device", "amd", ["dri/renderD128"], {}, "/kfd. The Proxmox node lacks it"],
  ])("refuses %s, with 1 and the reason", async (_, kind, nodes, commands, message) => {
    const finished = await prove(kind, nodes, commands);
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain(message);
  });

  test("exits 64 for a kind of GPU that it does not know", async () => {
    expect((await prove("arc", [])).code).toBe(64);
  });
});
