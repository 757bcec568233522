import type { BuiltInDocuments } from '@holdfast/protocol';

import type { CollectionClient } from './collection.ts';

/** An agent's place among all. */
export interface Standing {
  readonly agent: string;
  readonly points: number;
  readonly achievements: number;
}

/** Points that agents were given. They are records of the collection `achievements`. */
export interface AchievementsClient {
  /** The agents with the most points, best first; `limit` of them, default 10. */
  leaderboard(options?: { readonly limit?: number | undefined }): Promise<readonly Standing[]>;
}

/** Opens the agent's achievements. Nothing is sent. */
export function openAchievements(
  achievements: Pick<CollectionClient<BuiltInDocuments['achievements']>, 'aggregate'>,
): AchievementsClient {
  return {
    leaderboard: async ({ limit = 10 } = {}) => {
      const groups = await achievements.aggregate({
        aggregate: { groupBy: ['awarded_to'], metrics: { points: { sum: 'points' }, achievements: { count: '*' } } },
        orderBy: [{ points: 'desc' }, { awarded_to: 'asc' }],
        limit,
      });
      return groups.map(({ awarded_to: agent, points, achievements: count }) => ({
        agent: agent as string,
        points: Number(points),
        achievements: Number(count),
      }));
    },
  };
}
