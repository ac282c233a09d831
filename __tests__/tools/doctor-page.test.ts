import { readFileSync } from "node:fs";
import { join } from "node:path";
import { doctorPage } from "../../tools/doctor-page";

test("docs/doctor.md is what the doctor's codes generate (npm run docs writes it anew)", () => {
  expect(readFileSync(join(__dirname, "../../docs/doctor.md"), "utf8")).toBe(doctorPage());
});
