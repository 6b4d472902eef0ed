/** `pawl revoke`: ends sessions at once, on every node, after saying how many. */

import type { Command } from 'commander'
import { carryOut, planRevocation, previewOf, type RevocationInput } from '../../admin/revoke.ts'
import { confirmEnding } from '../confirm.ts'
import { type StoreOptions, storeCommand, withWorkbench } from '../store-command.ts'
import { print, printJson, type World } from '../world.ts'

interface RevokeFlags extends StoreOptions, Omit<RevocationInput, 'all'> {
  readonly all?: true
  readonly dryRun?: true
  readonly yes?: true
}

export function addRevokeCommand(program: Command, world: World): void {
  storeCommand(program, 'revoke', 'end a family, or everything of a user, client, session, partner or everyone')
    .option('--family <id>', 'one family; the one a grant began with takes its branches along')
    .option('--user <user>', 'everything of this user (e-mail or subject); with --client only there')
    .option('--client <name>', 'everything of this client')
    .option('--session <sid>', 'everything opened in this session')
    .option('--partner <label>', 'everything of the clients of this partner')
    .option('--all', 'everything of everyone')
    .option('--before <instant>', 'only what stands on a moment before this; never in the future')
    .option('--reason <text>', 'kept with the cut-off')
    .option('--dry-run', 'count what would end and change nothing')
    .option('--yes', 'do it without asking')
    .action(async (flags: RevokeFlags) => {
      const { result, words } = await withWorkbench(world, flags, async workbench => {
        const plan = await planRevocation(workbench, inputOf(flags))
        if (flags.dryRun) return { result: previewOf(plan), words: plan.words }
        await confirmEnding(world, { words: plan.words, families: plan.families, yes: flags.yes === true })
        return { result: await carryOut(workbench, plan), words: plan.words }
      })
      if (flags.json) return printJson(world, result)
      const families = `${result.families} ${result.families === 1 ? 'family' : 'families'}`
      if (result.dry_run) return print(world, `It would end ${families}: ${words}.`)
      const until = result.cutoff === null ? '' : ` Everything before ${result.cutoff} is over.`
      print(world, `Ended ${families}: ${words}.${until}`)
    })
}

function inputOf(flags: RevokeFlags): RevocationInput {
  const { family, user, client, session, partner, all, before, reason } = flags
  return { family, user, client, session, partner, all, before, reason }
}
