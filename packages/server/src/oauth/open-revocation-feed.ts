import type { MasterKeys } from '../domain/keys/master-keys.ts'
import { feedCursors } from '../domain/revocation/feed-cursor.ts'
import { readerSeats } from '../domain/revocation/reader-seats.ts'
import { revocationFeed } from '../domain/revocation/revocation-feed.ts'
import type { StartTimer } from '../domain/revocation/watched-line.ts'
import type { Store } from '../domain/store.ts'
import type { Clock } from '../domain/time.ts'
import type { AuthorizationServer } from './authorization-server.ts'

interface Place {
  readonly clock: Clock
  /** What a node may hold is divided among its threads. */
  readonly seat?: { readonly common: { readonly threads: number } }
}

/** The feed of this thread; its cursors are good at every other. */
export function openRevocationFeed(
  { masterKeys }: { readonly masterKeys: MasterKeys },
  { clock: { nowMs }, seat }: Place,
  { store, startTimer }: { readonly store: Store; readonly startTimer: StartTimer },
): AuthorizationServer['revocations'] {
  return {
    feed: revocationFeed({ store: store.revocations, nowMs, startTimer }),
    cursors: feedCursors(masterKeys),
    seats: readerSeats(seat?.common.threads ?? 1),
  }
}
