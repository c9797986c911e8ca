// The version of the command. A test compares it with package.json, which is not read at run time.
export const VERSION: string = "0.1.0";
