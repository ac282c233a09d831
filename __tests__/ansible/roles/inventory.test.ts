// Ansible's own reading of the inventory. With the roles' tests, since `npm run test:ansible` is what brings Ansible.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { checkLab } from "../../../lab/read";
import { formatInventory, inventory, staticAddress } from "../../../stacks/inventory";
import { labWith } from "../../../testing/lab";
import { describeWithAnsible } from "./playbook";

const cached = resolve(__dirname, "../../../node_modules/.cache/ansible-venv/bin");

const { lab } = checkLab(
  labWith({
    proxmox: { auth: "rootPassword" },
    defaults: { container: { ollama: { environment: { OLLAMA_ORIGINS: "https://*.lab.example" } } } },
    containers: {
      "ollama-1": { models: ["mistral:7b", "nomic-embed-text"], gpu: { type: "nvidia", driverVersion: "580.95.05" } },
      "ollama-2": { vmId: 202, address: "192.0.2.22", name: "embed", modelVolume: { sizeGiB: 100 } },
    },
  }),
  "/lab",
);

/** The inventory as `ansible-inventory --list` understands it. */
function listed(): { _meta: { hostvars: Record<string, unknown> }; ollama_containers: { hosts: string[] } } {
  if (!lab.containers) throw new Error("the lab has no container");
  const folder = mkdtempSync(join(tmpdir(), "listed-"));
  try {
    const file = join(folder, "inventory.yml");
    writeFileSync(file, formatInventory(inventory(lab, (_, spec) => staticAddress(spec))));
    const { status, stdout, stderr } = spawnSync("ansible-inventory", ["--inventory", file, "--list"], {
      encoding: "utf8",
      env: { ...process.env, PATH: [cached, process.env["PATH"]].join(delimiter), HOME: folder, LC_ALL: "C.UTF-8" },
    });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describeWithAnsible("ansible-inventory finds in the inventory", () => {
  let found: ReturnType<typeof listed>;
  beforeAll(() => {
    found = listed();
  });

  test("every container, in the group of the playbooks", () => {
    expect(found.ollama_containers.hosts.toSorted()).toEqual(["embed", "test-ollama-1"]);
  });

  test("every address, model and setting, with its type", () => {
    const common = { ansible_user: "root", ollama_port: 11434, ollama_environment: { OLLAMA_ORIGINS: "https://*.lab.example" } };
    expect(found._meta.hostvars).toMatchObject({
      "test-ollama-1": {
        ...common,
        ansible_host: "192.0.2.21",
        ollama_models: ["mistral:7b", "nomic-embed-text"],
        ollama_gpu: "nvidia",
        ollama_gpu_driver_version: "580.95.05",
        ollama_render_gid: 44,
      },
      embed: {
        ...common,
        ansible_host: "192.0.2.22",
        ollama_models: [],
        ollama_gpu: "none",
        ollama_models_dir: "/var/lib/ollama/models",
      },
    });
  });
});
