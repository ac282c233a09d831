import { bytes, checkCpu, checkMemory, millicores } from "../../grammar/quantity";

test.each([
  ["500m", 500],
  ["2", 2000],
  ["0.5", 500],
])("%s of CPU is %d thousandths of a core", (cpu, expected) => {
  expect([checkCpu(cpu), millicores(cpu)]).toEqual([undefined, expected]);
});

test.each([
  ["2Gi", 2 * 2 ** 30],
  ["512Mi", 2 ** 29],
  ["1G", 1e9],
  ["1.5Gi", 1.5 * 2 ** 30],
  ["1048576", 1_048_576],
  ["0", 0],
])("%s of memory is %d bytes", (memory, expected) => {
  expect([checkMemory(memory), bytes(memory)]).toEqual([undefined, expected]);
});

test.each(["", "2 cores", "-1", "500M", ".5", "1.2345"])("%j is no amount of CPU", (cpu) => {
  expect(checkCpu(cpu)).toMatchObject({ code: "invalid-cpu" });
});

test.each(["", "2GB", "-1Gi", "4 Gi", "4gi", "Gi"])("%j is no amount of memory", (memory) => {
  expect(checkMemory(memory)).toMatchObject({ code: "invalid-memory" });
});
