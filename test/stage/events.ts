import type { EventKind, RecordedEvent } from '../../packages/server/src/domain/event/event.ts'
import type { Stage } from './stage.ts'

const eventsMax = 1000

/**
 * The events of one kind so far. What is noted in the background goes to the writer before its answer goes out, so a
 * write that comes later has waited for it.
 */
export async function eventsOf(stage: Stage, kind: EventKind): Promise<readonly RecordedEvent[]> {
  await stage.pawl.store.throttles.charge('stage events', 1)
  return (await stage.pawl.store.events.latest(eventsMax)).filter(event => event.kind === kind)
}
