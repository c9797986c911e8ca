#!/usr/bin/env node
// The committed entry point, so that npm can link the command before anything is built.
import "../dist/main.js";
