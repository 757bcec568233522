/** What an agent's file is opened with for the first time after an upgrade; travels as JSON on the command line. */
export interface FirstOpenPlan {
  readonly path: string;
}
