"""The live half: reads, looks, decides and acts on a schedule."""
