/** The app version that a chart version of ollama installs. The chart's minor version moves with every release of Ollama. */
const OLLAMA_OF_CHART: Readonly<Record<string, string>> = { "1.36.0": "0.13.3", "1.77.0": "0.32.15" };

/** The Ollama version that a chart installs, where it is known. */
export function ollamaOfChart(chartVersion: string): string | undefined {
  return OLLAMA_OF_CHART[chartVersion];
}

/** The first Ollama whose start-up leaves another server's downloads in a shared folder alone for an hour. */
export const PRUNE_GRACE_VERSION = "0.21.0";
