"Run only those statements of a page on which a value depends, with other data in its hands."
import ast, json, symtable
from conftest import ROOT

def cells(page): # sources of the code cells that are not scaffolding
    book = json.loads((ROOT/"nbs"/f"{page}.ipynb").read_text(encoding="utf-8"))
    return [s for c in book["cells"] if c["cell_type"] == "code" and not (s := "".join(c["source"])).startswith("#| hide")]

def _reads(table): # global names that a scope and the scopes inside it use
    used = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (table.get_type() == "module" or s.is_global())}
    return used.union(*map(_reads, table.get_children()))

def _in_place(node): # names changed by `x[...] = `, `x.y = ` and `x.append(...)`
    places = [n for n in ast.walk(node) if isinstance(n, (ast.Subscript, ast.Attribute))]
    stores = [n for n in places if isinstance(n.ctx, ast.Store)]
    calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    stores += [f for f in calls if f.attr in ("append", "extend", "update")]
    return {n.value.id for n in stores if isinstance(n.value, ast.Name)}

def _binds(node, table):
    return {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()} | _in_place(node)

def on_which(page, name, given=()): # statements that make `name`, in order; whoever makes a `given` name is left out
    wanted, kept = {name}, []
    for node in reversed([n for c in cells(page) for n in ast.parse(c).body]):
        table = symtable.symtable(ast.unparse(node), page, "exec")
        binds = _binds(node, table)
        if not binds & wanted or binds & set(given): continue
        if isinstance(node, ast.Expr) and not _in_place(node) & wanted: continue
        kept.append(node)
        loop = table.get_symbols() if isinstance(node, ast.For) else [] # its own names come from nowhere else
        wanted = wanted | _reads(table) - {s.get_name() for s in loop if s.is_assigned()}
    assert kept, f"{page} makes no {name!r}"
    return kept[::-1]

def value_of(page, name, **given): # the page's value, with some names given from outside
    tree = ast.fix_missing_locations(ast.Module(on_which(page, name, given), []))
    scope = {"__name__": "page", **given}
    exec(compile(tree, page, "exec"), scope)
    return scope[name]
