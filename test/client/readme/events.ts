import { type HolderEvent, holdGrants, type HolderOptions } from '@pawl/client'

/** `meter` is `metrics.getMeter('my-app')` of `@opentelemetry/api`, or anything that counts. */
export function observed(
  options: HolderOptions,
  meter: NonNullable<HolderOptions['meter']>,
  log: (line: string) => void,
) {
  const onEvent = (event: HolderEvent): void => {
    if (event.kind === 'refresh') log(`${event.grant}: ${event.outcome} after ${event.requests} requests`)
    if (event.kind === 'trouble') log(`${event.grant}: ${String(event.error)}`)
  }
  return holdGrants({ ...options, meter, onEvent })
}
