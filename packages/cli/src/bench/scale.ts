/** How much a run of the bench does. */
export interface Scale {
  /** Times that reference and subject take turns; the median ratio counts. */
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Rows of one bulk write. */
  readonly bulkRows: number;
  /** Records that wait for the relay before it comes back. */
  readonly backlogRecords: number;
  /** Writes whose way to the relay is timed. */
  readonly visibleWrites: number;
  readonly memoryAgents: number;
  readonly memoryRecordsEach: number;
  readonly startAgents: number;
  /** Records of the file that is checked whole. */
  readonly checkedRecords: number;
  /** Records of the agent that is queried. */
  readonly queriedRecords: number;
  /** Records of the relay that is queried and streamed from. */
  readonly networkRecords: number;
  /** Tasks there are for the workers of one round; more than they can claim. */
  readonly tasks: number;
  /** Messages published to a channel that many listen to. */
  readonly channelMessages: number;
  /** Records that the peers' nodes send to their hubs; PouchDB takes minutes for as many as ours. */
  readonly peerBacklogRecords: number;
}

/** What the table of figures asks for. */
export const fullScale: Scale = {
  rounds: 5,
  warmUpMs: 1000,
  measureMs: 4000,
  bulkRows: 100_000,
  backlogRecords: 200_000,
  visibleWrites: 500,
  memoryAgents: 500,
  memoryRecordsEach: 400,
  startAgents: 100,
  checkedRecords: 100_000,
  queriedRecords: 100_000,
  networkRecords: 1_000_000,
  tasks: 60_000,
  channelMessages: 20_000,
  peerBacklogRecords: 20_000,
};

/** Enough to see a change of direction, in under a minute without peers. Noisier; memory and start are as in full. */
export const quickScale: Scale = {
  ...fullScale,
  rounds: 3,
  warmUpMs: 300,
  measureMs: 800,
  bulkRows: 20_000,
  backlogRecords: 40_000,
  checkedRecords: 20_000,
  queriedRecords: 20_000,
  networkRecords: 40_000,
  tasks: 15_000,
  channelMessages: 10_000,
  visibleWrites: 60,
  peerBacklogRecords: 5000,
};
