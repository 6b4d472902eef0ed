/** What a change of somebody's credentials ends, of what was opened before it (RT-21). */

import type { SessionId } from '@pawl/family'

/** Nothing, everything of the user, or everything but one session and what was opened in it. */
export type Ends = 'nothing' | 'all' | { readonly allBut: SessionId }

/** The operator's rule for changes that people make themselves. A reset always ends everything. */
export const changeEndings = ['others', 'none', 'all'] as const
export type ChangeEnding = (typeof changeEndings)[number]

export function endsOf(ending: ChangeEnding, sessionId: SessionId): Ends {
  switch (ending) {
    case 'others':
      return { allBut: sessionId }
    case 'none':
      return 'nothing'
    case 'all':
      return 'all'
  }
}
