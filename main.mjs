#!/usr/bin/env node
// What npm, npx and cdktf run. Everything else is in a CommonJS file, which Node starts sooner.
import "./tools/start.cjs";
