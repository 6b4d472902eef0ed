/** What goes wrong while a grant is refreshed: one row of the table each. */

import type { NetworkFault } from '../../packages/client/src/testing/flaky-network.ts'
import { type Fate, mortalProcess, type MortalProcess } from '../../packages/client/src/testing/mortal-process.ts'
import type { Asked, Site } from './site.ts'

export interface Stage {
  readonly site: Site
  readonly open: (process: MortalProcess) => () => Promise<Asked>
}

export interface Row {
  readonly name: string
  /** What the callers got, in the order they asked; nobody learns what a process that was killed got. */
  readonly play: (stage: Stage) => Promise<readonly PromiseSettledResult<Asked>[]>
}

const nightMs = 8 * 3_600_000

export const rows: readonly Row[] = [
  { name: 'nothing goes wrong', play: stage => ask(stage) },
  met('the answer is lost', 'lose-response'),
  met('the request is lost', 'lose-request'),
  met('the server crashes after it rotated', 'crash-after-rotate'),
  met('the answer takes 8 seconds', 'slow'),
  met('503', '503'),
  met('429 with Retry-After', '429'),
  met('the page of a proxy instead of JSON', 'html-instead-of-json'),
  met('half an answer', 'broken-json'),
  { name: 'eight callers at once', play: stage => ask(stage, 8) },
  { name: 'four processes at once', play: fourProcesses },
  befalls('killed between the answer and the save', 'dies-before'),
  befalls('the save fails once', 'fails-before'),
  { name: 'asleep for eight hours', play: asleep },
]

function met(name: string, fault: NetworkFault): Row {
  return {
    name,
    play: stage => {
      stage.site.network.fault(fault)
      return ask(stage)
    },
  }
}

/** The first save of the process meets this fate. */
function befalls(name: string, fate: Fate): Row {
  return {
    name,
    play: async stage => {
      let isMet = false
      const process = mortalProcess(stage.site.clock, effect => {
        if (isMet || effect.name !== 'store save') return 'happens'
        isMet = true
        return fate
      })
      const asked = Promise.allSettled([stage.open(process)()])
      const outcome = await stage.site.clock.run(Promise.race([asked, process.killed.then(() => [])]))
      process.kill()
      return outcome
    },
  }
}

function ask({ site, open }: Stage, callers = 1): Promise<readonly PromiseSettledResult<Asked>[]> {
  const asking = open(untouched(site))
  return site.clock.run(Promise.allSettled(Array.from({ length: callers }, () => asking())))
}

function fourProcesses({ site, open }: Stage): Promise<readonly PromiseSettledResult<Asked>[]> {
  const processes = Array.from({ length: 4 }, () => open(untouched(site)))
  return site.clock.run(Promise.allSettled(processes.map(asking => asking())))
}

async function asleep(stage: Stage): Promise<readonly PromiseSettledResult<Asked>[]> {
  stage.site.clock.sleep(nightMs)
  return ask(stage)
}

export function untouched({ clock }: Site): MortalProcess {
  return mortalProcess(clock, () => 'happens')
}
