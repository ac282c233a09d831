/** The labels and the taint that GPU workers join with; NFD's worker tolerates this value of the taint and no other. */
export const GPU_NODE = {
  labels: { "nvidia.com/gpu.present": "true", accelerator: "nvidia" },
  taint: { key: "nvidia.com/gpu", value: "present", effect: "NoSchedule" },
} as const;
export const DRIVER_BRANCH = "580";
export const CLOUD_IMAGE_USER = "ubuntu";
