// Where something listens on this machine.

export interface Address {
  readonly host: string;
  readonly port: number;
}

export const LOOPBACK = "127.0.0.1";
