import { airGappedLab, baseLab, clusterLab, gpuLab, ollamaLab, problemsOf } from "../../../testing/lab";

// Each test of a rule changes one of these labs, so the change is what has the problem.
test.each(Object.entries({ airGappedLab, baseLab, clusterLab, gpuLab, ollamaLab }))("%s has no problem", (_, lab) => {
  expect(problemsOf(lab)).toEqual([]);
});
