// jest's setupFilesAfterEnv: it runs before each test file.
import { terraformMatchers } from "./terraform/matchers";

expect.extend(terraformMatchers);
