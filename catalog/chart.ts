import type { ChartKeys } from "../grammar/chart-values";

/** What this project knows about one Helm chart. */
export interface Chart {
  /** Name of the chart in its repository. */
  readonly name: string;
  /** URL of the repository that publishes it. */
  readonly repository: string;
  /** The version that a lab gets when it names none. Its keys are in `keys`. */
  readonly version: string;
  /**
   * Keys of the chart's values file by the chart's version without a `v`, oldest version first. Made from the values file of each version:
   * the dotted key, and the type of its default.
   */
  readonly keys: Readonly<Record<string, ChartKeys>>;
  /**
   * Keys that the chart reads but its values file does not show, or that take more types than the default shows. The type `null` takes
   * anything. @default none
   */
  readonly moreKeys?: ChartKeys;
  /** The images that a version of the chart runs, as published. What the chart's values change about them is not known here. */
  readonly images: (version: string) => readonly string[];
}
