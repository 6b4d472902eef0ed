import { parts } from '../../../session/running.ts'
import { signOut } from '../../../session/sign-in.ts'

export const runtime = 'nodejs'
export const dynamic = 'force-dynamic'

export async function POST(request: Request): Promise<Response> {
  return signOut(await parts(), request)
}
