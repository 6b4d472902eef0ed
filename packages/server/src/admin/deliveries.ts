/** What others were told, and what they still have to be: the record an operator looks at. */

import type { Delivery, DeliveryState } from '../domain/outbox/outbox.ts'
import { isoInstant } from '../domain/time.ts'
import type { Workbench } from './workbench.ts'

export const deliveriesListedMax = 10_000

/** The latest first; null for deliveries in every state. */
export function listDeliveries(
  workbench: Workbench,
  state: DeliveryState | null,
  limit: number,
): Promise<readonly Delivery[]> {
  return workbench.store.outbox.list(state, Math.min(limit, deliveriesListedMax))
}

export function deliveryJson(delivery: Delivery): { readonly [name: string]: unknown } {
  const { id, channel, clientId, subject, sessionId, reason, state, attempts, lastAtMs, lastResult } = delivery
  return {
    id,
    channel,
    client_id: clientId,
    sub: subject,
    sid: sessionId,
    reason,
    state,
    attempts,
    created_at: isoInstant(delivery.createdAtMs),
    last_attempt_at: lastAtMs === null ? null : isoInstant(lastAtMs),
    last_result: lastResult,
    next_attempt_at: state === 'pending' ? isoInstant(delivery.nextAtMs) : null,
  }
}
