export { FLAGS, type Given } from "./flags";
export { type InitOptions, type InitResult, initLab, type Workplace } from "./init";
export { InitRefusal } from "./interviewer";
