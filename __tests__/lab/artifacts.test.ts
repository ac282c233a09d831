import { formatPath } from "../../lab/problem";
import { airGappedLab, labWith, problemsOf } from "../../testing/lab";

test("what nothing mirrors is told at the part of the lab that fetches it", () => {
  const lab = labWith({ mirrors: undefined, kubernetes: { devicePlugin: {} } }, airGappedLab);
  const places = problemsOf(lab).map(({ path }) => formatPath(path));
  expect([...new Set(places)].sort()).toEqual(["kubernetes.devicePlugin", "ollama.chart", "ollama.releases.ollama"]);
});
