import click
@click.command()
def bench() -> int:
    return 0
