import type { EventKind, RecordedEvent } from '../../packages/server/src/domain/event/event.ts'
import { settle } from './scene.ts'
import type { Stage } from './stage.ts'

const eventsMax = 1000

/** The events of one kind so far, once what was still on its way in the background is there. */
export async function eventsOf(stage: Stage, kind: EventKind): Promise<readonly RecordedEvent[]> {
  await settle(stage)
  return (await stage.pawl.store.events.latest(eventsMax)).filter(event => event.kind === kind)
}
