// Everything that an api keeps or takes, as one table of numbers.

export interface ApiLimits {
  /** Bytes of a line of input. Longer ones are skipped and answered. Default 64 MiB. */
  readonly lineBytes: number;
  /** Requests that are under way at a time, those of lists included. Default 1,024. */
  readonly requests: number;
  /** Requests of one list that are asked at the same time. Default 32. */
  readonly batchWidth: number;
  /** Processes that have not ended. Default 64. */
  readonly processes: number;
  /** Tunnels that are open, those that came by a listener included. Default 256. */
  readonly tunnels: number;
  /** Ports that are listened on. Default 16. */
  readonly listeners: number;
  /** Bytes that wait to be taken by one process or tunnel. Default 16 MiB. */
  readonly inputBytes: number;
  /** Bytes of files in one answer, as numbers about four times as many. Default 16 MiB. */
  readonly readBytes: number;
  /** Entries of one `dir_read`, and files of one `copy`. Default 100,000. */
  readonly entries: number;
  /** How often one request is asked, over one link after another. Default 5. */
  readonly tries: number;
  /** How long a tunnel may take to pass on its last bytes once it is closed, in milliseconds. Default 10,000. */
  readonly lingerMs: number;
}

export const DEFAULT_API_LIMITS: ApiLimits = {
  lineBytes: 67_108_864,
  requests: 1_024,
  batchWidth: 32,
  processes: 64,
  tunnels: 256,
  listeners: 16,
  inputBytes: 16_777_216,
  readBytes: 16_777_216,
  entries: 100_000,
  tries: 5,
  lingerMs: 10_000,
};
