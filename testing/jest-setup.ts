// jest's setupFilesAfterEnv: what every test file finds ready.
import { terraformMatchers } from "./terraform/matchers";

expect.extend(terraformMatchers);
