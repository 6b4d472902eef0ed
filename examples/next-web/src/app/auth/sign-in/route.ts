import { parts } from '../../../session/running.ts'
import { beginSignIn } from '../../../session/sign-in.ts'

export const runtime = 'nodejs'
export const dynamic = 'force-dynamic'

export async function GET(): Promise<Response> {
  return beginSignIn(await parts())
}
