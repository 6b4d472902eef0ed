/** `pawl deliveries`: what applications were told, such as that a session has ended. */

import type { Command } from 'commander'
import { deliveryJson, listDeliveries } from '../../admin/deliveries.ts'
import type { Delivery, DeliveryState } from '../../domain/outbox/outbox.ts'
import { isoInstant } from '../../domain/time.ts'
import { UsageRefused } from '../exit-codes.ts'
import { type StoreOptions, storeCommand, withWorkbench } from '../store-command.ts'
import { table } from '../style.ts'
import { plain, print, printJson, tell, type World } from '../world.ts'
import { wholeNumber } from './whole-number.ts'

const listedByDefault = 100

interface ListFlags extends StoreOptions {
  readonly failed?: true
  readonly pending?: true
  readonly limit?: number
}

export function addDeliveriesCommands(program: Command, world: World): void {
  const group = program.command('deliveries').description('what applications were told, and what they still have to be')
  storeCommand(group, 'list', 'deliveries, the latest first')
    .option('--failed', 'only those that were given up')
    .option('--pending', 'only those that are still tried')
    .option('--limit <count>', `how many at most; ${listedByDefault} by default`, wholeNumber)
    .action(async (flags: ListFlags) => {
      const state = stateOf(flags)
      const limit = flags.limit ?? listedByDefault
      const deliveries = await withWorkbench(world, flags, workbench => listDeliveries(workbench, state, limit))
      if (flags.json) return printJson(world, deliveries.map(deliveryJson))
      if (deliveries.length === 0) return tell(world, 'There are none.')
      print(world, deliveriesTable(deliveries))
    })
}

function stateOf({ failed, pending }: ListFlags): DeliveryState | null {
  if (failed && pending) throw new UsageRefused('--failed and --pending do not go together.')
  return failed ? 'failed' : pending ? 'pending' : null
}

function deliveriesTable(deliveries: readonly Delivery[]): string {
  const rows = deliveries.map(({ createdAtMs, clientId, sessionId, reason, state, attempts, lastResult }) => [
    isoInstant(createdAtMs),
    plain(clientId),
    sessionId ?? '',
    plain(reason),
    state,
    String(attempts),
    lastResult ?? '',
  ])
  return table(['SINCE', 'CLIENT', 'SESSION', 'WHY', 'STATE', 'TRIES', 'LAST'], rows)
}
