/** What the defences are measured on; travels as JSON on the command line. */
export interface DefencePlan {
  /** Where files are made. */
  readonly directory: string;
  /** Records of the file that is checked. */
  readonly records: number;
  /** Size of the log that is scanned, at least, in bytes. */
  readonly logBytes: number;
}

/** What a defence takes, and what is compared with it: the same without the defence. */
export interface DefenceCost {
  readonly defence: number;
  readonly reference: number;
}

/** The costs of the defences; one line of JSON on standard output. */
export interface DefenceResult {
  /** Of a row, in microseconds; of a durable transaction of one record, likewise. */
  readonly sealUs: DefenceCost;
  /** Of a record, in microseconds; of its content hash, likewise. */
  readonly digestUs: DefenceCost;
  /** Of the log, in milliseconds; of reading its bytes, likewise. */
  readonly logScanMs: DefenceCost & { readonly bytes: number };
  /** Of the file, in milliseconds; of SQLite's own `integrity_check`, likewise. */
  readonly checkMs: DefenceCost & { readonly bytes: number };
}
