// The public names of trust.
export {};
