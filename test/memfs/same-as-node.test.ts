/** The in-process view answers as node:fs does on a mount of the same kernel: values and errors, word by word. */
import * as nodeFs from 'node:fs'
import t from 'tap'
import { type CgroupNodeFs, createCgroupFs } from '../../mount/index.ts'
import { cannotMount, emptyDirectory } from '../mounted/toy.ts'
import { operations } from './operations.ts'

/** Node's synchronous rm and cp are in C++ since Node 23, and their errors are not formed as all others. */
const NEW_RM = 'Node 24 gives errno 1 and words of its own: "EPERM, Operation not permitted: /m"'

/** Where the two differ, and why. A difference that is gone must leave this list. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  'promises.mkdir -p through a newline':
    'the asynchronous form names the directory that failed, the view the whole path',
  'cp of a file': NEW_RM,
  'rm of a file': NEW_RM,
  'rm -r of a leaf': NEW_RM,
  'rm -rf of a tree': NEW_RM,
  'rm -rf of a file': NEW_RM,
  'handle.stat of a closed handle': 'Node knows without asking, and says "file closed"',
}

type Answer = { readonly value: unknown } | { readonly error: unknown }

/** Everything the operations answered, with paths as from the root of the files. */
async function answersOf(fs: CgroupNodeFs, root: string): Promise<Map<string, Answer>> {
  const bench = { fs, at: (path: string) => `${root}${path}`, fds: {}, handles: {} }
  const answers = new Map<string, Answer>()
  for (const [title, operation] of operations) {
    try {
      answers.set(title, { value: withoutRoot(await operation(bench), root) })
    } catch (error) {
      const { code, errno, syscall, path, dest, message } = error as NodeJS.ErrnoException & { dest?: string }
      answers.set(title, { error: withoutRoot({ code, errno, syscall, path, dest, message }, root) })
    }
  }
  return answers
}

function withoutRoot(value: unknown, root: string): unknown {
  if (typeof value === 'string') return root === '' ? value : value.replaceAll(root, '')
  if (Array.isArray(value)) return value.map(each => withoutRoot(each, root))
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutRoot(each, root)]))
}

t.test('the view answers as node:fs does', { skip: cannotMount }, async t => {
  const inProcess = await answersOf(createCgroupFs().fs, '')
  const dir = emptyDirectory(t)
  const session = await createCgroupFs().mount(dir, { unref: true, keep: false })
  t.teardown(() => session.unmount())
  const mounted = await answersOf(nodeFs, dir)
  for (const [title] of operations) {
    const difference = DIFFERENCES[title]
    if (difference === undefined) t.strictSame(inProcess.get(title), mounted.get(title), title)
    else t.notSame(inProcess.get(title), mounted.get(title), `${title}: ${difference}`)
  }
  t.same(
    Object.keys(DIFFERENCES).filter(title => !mounted.has(title)),
    [],
    'the list names operations',
  )
})
